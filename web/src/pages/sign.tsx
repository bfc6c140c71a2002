import type { PageProps } from "../ui/layout";

function page(path: string, title: string, about: string): PageProps {
  return {
    path,
    title,
    about,
    kind: "narrow",
    scripts: ["sign.tsx"],
    children: (
      <>
        <h1>{title}</h1>
        <div id="sign">
          <p class="soft">Loading…</p>
          <noscript>This page needs JavaScript.</noscript>
        </div>
      </>
    ),
  };
}

export const signPages = [
  page("/sign-up", "Sign up", "Make an account: name, email, password."),
  page("/sign-in", "Sign in", "Sign in to your account."),
  page("/reset", "Reset your password", "A link by mail lets you choose a new password."),
  page("/confirm", "Confirmation", "Where the links in our mails lead."),
];
