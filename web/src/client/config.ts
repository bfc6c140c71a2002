// Where the login is, and whether there is billing: asked of the service once.
export interface Site {
  supabase_url: string;
  publishable_key: string;
  can_buy: boolean;
  max_upload_bytes: number;
  input_hours: number;
  output_hours: number;
}

let asked: Promise<Site> | undefined;

export function site(): Promise<Site> {
  asked ??= fetch("/v1/site").then((answer) => {
    if (!answer.ok) throw new Error("The service does not answer just now. Try again in a moment.");
    return answer.json() as Promise<Site>;
  });
  return asked;
}
