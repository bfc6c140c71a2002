// Every page there is; each of its own file.
import type { PageProps } from "../ui/layout";
import { home } from "./home";
import { failed, notFound } from "./errors";
import { signPages } from "./sign";
import { app } from "./app";
import { legalPages } from "./legal";
import { pricing } from "./pricing";
import { status } from "./status";
import { support } from "./support";
import { docsPages } from "./docs";

export const pages: PageProps[] = [
  home,
  pricing,
  ...legalPages,
  support,
  status,
  ...docsPages,
  ...signPages,
  app,
  notFound,
  failed,
];
