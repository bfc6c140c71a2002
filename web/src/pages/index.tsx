// Every page there is; each of its own file.
import type { PageProps } from "../ui/layout";
import { home } from "./home";
import { failed, notFound } from "./errors";
import { signPages } from "./sign";
import { app } from "./app";
import { docsPages } from "./docs";
import { legalPages } from "./legal";
import { pricing } from "./pricing";
import { status } from "./status";
import { support } from "./support";

export const pages: PageProps[] = [
  home,
  pricing,
  ...docsPages,
  ...legalPages,
  support,
  status,
  ...signPages,
  app,
  notFound,
  failed,
];
