// Figures as people read them, in the language of their browser.
const number = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const month = new Intl.DateTimeFormat(undefined, {
  month: "long",
  year: "numeric",
  timeZone: "UTC",
});

export function minutes(value: number): string {
  return value > 0 && value < 0.1 ? "under 0.1 min" : `${number.format(value)} min`;
}

export function amount(value: number): string {
  return number.format(value);
}

export function bytes(value: number): string {
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${number.format(value)} ${units[unit]}`;
}

/** 75 is "1 min 15 s", 90000 is "1 day 1 h"; the two largest units. */
export function seconds(value: number): string {
  if (value < 10) return `${number.format(value)} s`;
  const whole = Math.round(value);
  const parts: [number, string][] = [
    [Math.floor(whole / 86400), whole < 172_800 ? "day" : "days"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"],
    [whole % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}

export function money(cents: number, currency: string): string {
  return new Intl.NumberFormat(undefined, {
    style: "currency",
    currency,
    minimumFractionDigits: cents % 100 === 0 ? 0 : 2,
  }).format(cents / 100);
}

export function when(stamp: string): string {
  return moment.format(new Date(stamp));
}

export function date(stamp: string): string {
  return day.format(new Date(stamp));
}

/** "2026-11" as "November 2026". */
export function monthName(period: string): string {
  return month.format(new Date(`${period}-01T00:00:00Z`));
}

/** Seconds from now to a moment; negative if it is in the past. */
export function until(stamp: string): number {
  return (Date.parse(stamp) - Date.now()) / 1000;
}
