// What browsers load: one entry for each kind of page, hashed files, no inline script.
import { defineConfig } from "vite";

export default defineConfig(({ isSsrBuild }) => ({
  publicDir: "static",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: isSsrBuild
    ? { emptyOutDir: true, copyPublicDir: false }
    : {
        outDir: "../public",
        emptyOutDir: true,
        manifest: true,
        modulePreload: { polyfill: false },
        assetsInlineLimit: 0,
        rollupOptions: {
          input: {
            style: "src/style.css",
            home: "src/client/home.tsx",
            sign: "src/client/sign.tsx",
            app: "src/client/app.tsx",
            docs: "src/client/docs.tsx",
            pricing: "src/client/pricing.tsx",
            support: "src/client/support.tsx",
            status: "src/client/status.tsx",
          },
        },
      },
}));
