import type { PageProps } from "../ui/layout";

export const home: PageProps = {
  path: "/",
  title: "FFmpeg Micro: FFmpeg as a service",
  about: "Send media by HTTP, say what to make of it, download the result.",
  scripts: ["home.tsx"],
  children: (
    <>
      <h1>FFmpeg by HTTP</h1>
      <p class="lead">
        Send a file or name a URL, say what to make of it, download the result from a signed link.
        Nothing is lost, nothing is kept longer than promised, and a job that fails costs nothing.
      </p>
      <div id="try" />
    </>
  ),
};
