import { crc32, deflateSync } from 'node:zlib';
import type { Answer } from '../pages/answer.ts';
import type { ActionSet } from '../rules/actions.ts';
import { blockedAnswer, redirectAnswer } from './answers.ts';

/** One transparent pixel, and a grey and white board of 4 x 4. */
const BLANK = png(1, () => [0, 0]);
const PATTERN = png(4, (x, y) => [(x + y) % 2 === 0 ? 0xff : 0xcc, 0xff]);

/** A square PNG with 8 bits of grey and 8 of alpha per pixel (RFC 2083). */
function png(side: number, pixel: (x: number, y: number) => readonly [grey: number, alpha: number]): Buffer {
  const header = Buffer.from([0, 0, 0, side, 0, 0, 0, side, 8, 4, 0, 0, 0]);
  const index = Array.from({ length: side }, (_, i) => i);
  const rows = index.flatMap((y) => [0, ...index.flatMap((x) => pixel(x, y))]);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.from(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  out.set(body, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

/** The answer to a blocked request: a page, an image or nothing, as the actions want. */
export function blockAnswer(reason: string, actions: ActionSet): Answer {
  const page = blockedAnswer(reason);
  if (actions.has('handle-as-empty-document')) return { ...page, body: Buffer.from(' ') };
  const blocker = actions.value('set-image-blocker');
  if (!actions.has('handle-as-image') || blocker === undefined) return page;
  if (blocker !== 'blank' && blocker !== 'pattern') return redirectAnswer(blocker);
  const headers = page.headers.with(1, 'image/png');
  return { ...page, headers, body: blocker === 'blank' ? BLANK : PATTERN };
}
