// Every page there is; each of its own file.
import type { PageProps } from "../ui/layout";
import { home } from "./home";
import { notFound } from "./not-found";
import { signPages } from "./sign";
import { app } from "./app";

export const pages: PageProps[] = [home, ...signPages, app, notFound];
