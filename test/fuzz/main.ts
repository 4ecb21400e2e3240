/** npm run fuzz -- [--minutes N | --inputs N] [--target NAME] [--seed TEXT]; see README.md. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { keepCorpus } from './engine/keep.ts';
import { fuzz } from './fuzz.ts';
import { findPlanted } from './planted/find.ts';
import { allTargets } from './targets/groups.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    inputs: { type: 'string' },
    sessions: { type: 'string' },
    target: { type: 'string' },
    seed: { type: 'string' },
    repeat: { type: 'string' },
    list: { type: 'boolean' },
    planted: { type: 'boolean' },
    corpus: { type: 'boolean' },
  },
});
const number = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(text);
const seed = values.seed ?? String(Date.now());

if (values.list) for (const name of (await allTargets()).keys()) console.log(name);
else if (values.repeat !== undefined) await repeat(values.target ?? '', values.repeat);
else if (values.planted) process.exitCode = (await findPlanted(seed, values.target)) ? 0 : 1;
else if (values.corpus) await keepCorpus(Number(values.minutes ?? 10), seed, values.target);
else {
  const [minutes, inputs, sessions] = [
    number(values.minutes),
    number(values.inputs),
    number(values.sessions),
  ];
  const totals = await fuzz({
    seed,
    ...(minutes === undefined ? {} : { minutes }),
    ...(inputs === undefined ? {} : { inputs }),
    ...(sessions === undefined ? {} : { sessions }),
    ...(values.target === undefined ? {} : { only: values.target }),
  });
  process.exitCode = totals.failed > 0 ? 1 : 0;
}

/** One input, in this thread, with whatever it throws. */
async function repeat(name: string, file: string): Promise<void> {
  const found = (await allTargets()).get(name)?.target;
  if (found === undefined || typeof found === 'string') throw new Error(`no target ${name}; see --list`);
  const before = process.cpuUsage().user;
  console.log(await found.run(readFileSync(file)));
  console.log(`${(process.cpuUsage().user - before) / 1_000} ms`);
}
