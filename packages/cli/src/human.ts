const units = ["B", "K", "M", "G", "T", "P"] as const;

/** Writes bytes as people read them, in powers of 1,024: `512B`, `4.0K`, `1.2G`. */
export const humanSize = (bytes: number): string => {
  let value = bytes;
  let unit = 0;
  // What would be rounded to 1024 belongs to the next unit.
  while (unit < units.length - 1 && (unit === 0 ? value : Math.round(value)) >= 1024) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 9.95 ? Math.round(value) : value.toFixed(1)}${units[unit]}`;
};

/** Writes a duration in seconds as a clock does: `0:07`, `12:40`, `1:02:03`. */
export const clock = (seconds: number): string => {
  const whole = Math.max(0, Math.ceil(seconds));
  const two = (n: number): string => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(whole % 60)}`
    : `${minutes}:${two(whole % 60)}`;
};

/** Writes a time to the minute, in UTC as everything the server says. */
export const shortTime = (time: string | null): string =>
  time === null ? "-" : time.slice(0, 16).replace("T", " ");
