// The request that a job was made of, as far as the job tells it.
import type { JobRequest, OptionItem } from "../../run/request";
import type { Job } from "../../types";

/**
 * Nothing when it can't be told: of virtual options the job has only the filters they became, which
 * name files that the request does not; and no options at all before a worker has planned it.
 */
export function again(job: Job): JobRequest | undefined {
  const asked = job.ffmpeg_options;
  if (!asked || asked.source === "virtual_options") return undefined;
  const options = asked.source === "raw_options" ? asked.options : [];
  return {
    inputs: job.inputs.map(({ url, options: own }) => ({
      url,
      ...(own?.length ? { options: own as OptionItem[] } : {}),
    })),
    outputFormat: job.output_format,
    ...(asked.preset ? { preset: asked.preset } : {}),
    ...(options.length ? { options: options as OptionItem[] } : {}),
  };
}
