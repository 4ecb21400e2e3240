/** What the kernel says of a process (proc(5)), ours or one in a container; root reads both. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** USER_HZ: ticks per second in /proc, the same on every Linux that Node runs on. */
const TICKS = 100;
/** Fields of /proc/PID/stat, counted behind the name in parentheses. */
const UTIME = 11;
const STIME = 12;
const STARTTIME = 19;

/** Seconds since the machine was started, to a hundredth. */
export function uptime(): number {
  return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
}

/** When the process was started, on the scale of `uptime`. Throws when it is gone. */
export async function startOf(pid: number): Promise<number> {
  return Number((await statOf(pid))[STARTTIME]) / TICKS;
}

/** User and system time of all its threads, in seconds. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  const stat = await statOf(pid);
  return (Number(stat[UTIME]) + Number(stat[STIME])) / TICKS;
}

/** Bytes that it has resident, and the most that it ever had. */
export async function memoryOf(pid: number): Promise<{ readonly resident: number; readonly peak: number }> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  const [resident, peak] = ['VmRSS', 'VmHWM'].map((name) => {
    const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
    if (kilobytes === undefined) throw new Error(`the kernel tells no ${name}`);
    return Number(kilobytes) * 1024;
  });
  return { resident: resident ?? 0, peak: peak ?? 0 };
}

/** The most memory that it ever had resident, in bytes. */
export async function peakMemoryOf(pid: number): Promise<number> {
  return (await memoryOf(pid)).peak;
}

async function statOf(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}
