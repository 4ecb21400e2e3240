import type { ByteRanges, Node, Repeat } from './node.ts';

/** The expression in the syntax that RE2 and JavaScript have in common, of ASCII characters only. */
export function writeExpression(node: Node): string {
  switch (node.kind) {
    case 'set':
      return setText(node.ranges);
    case 'start':
      return '^';
    case 'end':
      return '$';
    case 'word':
      return '\\b';
    case 'not-word':
      return '\\B';
    case 'all':
      return node.parts.map((part) => (part.kind === 'any' ? grouped(part) : writeExpression(part))).join('');
    case 'any':
      return node.branches.map(writeExpression).join('|');
    case 'group':
      return `(${writeExpression(node.body)})`;
    case 'look':
      return `(?${node.ahead ? '' : '<'}${node.negative ? '!' : '='}${writeExpression(node.body)})`;
    case 'back':
      return `(?:\\${node.group})`;
    case 'repeat':
      return `${node.body.kind === 'set' ? setText(node.body.ranges) : grouped(node.body)}${countText(node)}`;
  }
}

function grouped(node: Node): string {
  return `(?:${writeExpression(node)})`;
}

function countText({ min, max, lazy }: Repeat): string {
  const endless = max === Number.POSITIVE_INFINITY;
  const count = `{${min}${max === min ? '' : endless ? ',' : `,${max}`}}`;
  const short = { '{0,}': '*', '{1,}': '+', '{0,1}': '?' }[count];
  return (short ?? count) + (lazy ? '?' : '');
}

function setText(ranges: ByteRanges): string {
  const [only] = ranges;
  if (ranges.length === 1 && only !== undefined && only[0] === only[1]) return byteText(only[0]);
  const parts = ranges.map(([from, to]) =>
    from === to ? byteText(from) : `${byteText(from)}-${byteText(to)}`,
  );
  return `[${parts.join('')}]`;
}

function byteText(byte: number): string {
  const text = String.fromCharCode(byte);
  return /[A-Za-z0-9]/.test(text) ? text : `\\x${byte.toString(16).padStart(2, '0')}`;
}
