import test from 'ava';
import fc from 'fast-check';
import { substitute } from '../../../services/forwarder/rules/substitute.ts';
import { parseActionFile } from '../../../services/forwarder/syntax/action-file.ts';
import { ACTIONS } from '../../../services/forwarder/syntax/action-table.ts';
import { parseFilterFile } from '../../../services/forwarder/syntax/filter-file.ts';
import { Notes } from '../../../services/forwarder/syntax/notes.ts';

function read(text: string) {
  const notes = new Notes();
  return { sections: parseActionFile('a.action', text, notes), notes };
}

test('sections, continuation, aliases in aliases, braces in values, settings and descriptions', (t) => {
  const { sections, notes } = read(
    `{{settings}}
for-privoxy-version=3.0.11
{{description}}
Free text here.
{{alias}}
+Crunch-All = +crunch-incoming-cookies +crunch-outgoing-cookies
shop = -Crunch-All -crunch-incoming-cookies +CRUNCH-ALL
-crunch-all = -crunch-outgoing-cookies
{ +block{a \\{b\\} c} \\
  shop \\
}
.a.i2p # a comment
b.i2p/x\\#y
{-hide-referer +prevent-keeping-cookies}
/
`.replace('-Crunch-All -crunch', '-crunch'),
  );
  t.deepEqual(notes.errors, []);
  t.deepEqual(
    sections.map((section) => [
      section.line,
      section.changes,
      section.patterns.map((pattern) => pattern.source),
    ]),
    [
      [
        9,
        [
          { on: true, name: 'block', value: 'a {b} c' },
          { on: false, name: 'crunch-incoming-cookies' },
          { on: true, name: 'crunch-incoming-cookies' },
          { on: true, name: 'crunch-outgoing-cookies' },
        ],
        ['.a.i2p', 'b.i2p/x#y'],
      ],
      [
        14,
        [
          { on: false, name: 'hide-referrer' },
          { on: true, name: 'session-cookies-only' },
        ],
        ['/'],
      ],
    ],
  );
});

const REFUSED: readonly (readonly [section: string, why: RegExp])[] = [
  ['{+nosuch}', /unknown action or alias/],
  ['{block}', /unknown action or alias/],
  ['{+block{x}', /closing brace|out of place/],
  ['{+block{x} }}', /out of place/],
  ['{+hide-referrer}', /needs a value/],
  ['{+hide-referrer{bogus}}', /must be block, forge/],
  ['{+change-x-forwarded-for{add}}', /would name the workstation/],
  ['{+limit-connect{443-80}}', /list of ports/],
  ['{+limit-connect{x}}', /list of ports/],
  ['{+redirect{javascript:x}}', /URL or a substitution/],
  ['{+redirect{s@(@x@}}', /a group without an end/],
  ['{+add-header{X: 1\r}}', /closing brace|must be a header line|braces|out of place/],
  ['{+add-header{no colon}}', /must be a header line/],
  ['{+add-header{Content-Length: 5}}', /for the proxy to say/],
  ['{+add-header{host: b.i2p}}', /for the proxy to say/],
  ['{+external-filter{x}}', /not allowed/],
  ['{+https-inspection}', /not allowed/],
  ['{+ignore-certificate-errors}', /not allowed/],
  ['{+forward-override{forward-webserver 127.0.0.1:80}}', /forward-webserver/],
  ['{+forward-override{forward .}}', /directly/],
  ['{+forward-override{forward host:99999}}', /is no port/],
  ['{+forward-override{forward-socks4 127.0.0.1:9050 .}}', /no way to forward/],
  ['{+fast-redirects{sometimes}}', /must be one of/],
  ['{+set-image-blocker{javascript:x}}', /must be blank/],
  ['{+limit-cookie-lifetime{soon}}', /number of minutes/],
];

for (const [section, why] of REFUSED) {
  test(`${JSON.stringify(section)} ends the start`, (t) => {
    const { notes } = read(`# first\n${section}\n/\n`);
    t.regex(notes.errors[0]?.why ?? '', why);
    t.is(notes.errors[0]?.line, 2);
  });
}

test('a pattern before any section, a bad pattern and a bad alias end the start', (t) => {
  t.regex(read('.i2p\n').notes.errors[0]?.why ?? '', /before the first/);
  t.regex(read('{+block}\n/(x\n').notes.errors[0]?.why ?? '', /a group without an end/);
  t.regex(read('{{alias}}\nfoo\n').notes.errors[0]?.why ?? '', /an alias is written/);
});

test('aliases can not explode', (t) => {
  const lines = Array.from({ length: 20 }, (_, i) => `a${i + 1} = a${i} a${i} a${i} a${i}`);
  const { notes } = read(`{{alias}}\na0 = +block\n${lines.join('\n')}\n{a20}\n/\n`);
  t.regex(notes.errors[0]?.why ?? '', /more than 200 actions/);
});

test('all 41 actions of Privoxy 4.2.0 are known', (t) => {
  t.is(ACTIONS.size, 41);
});

test('what is left out is warned about once, and switching it off is quiet', (t) => {
  const { notes } = read(
    '{+filter{a} +filter{b} +deanimate-gifs{last}}\n/\n{-filter -filter{a} -deanimate-gifs}\n/\n',
  );
  t.deepEqual(
    notes.warnings.map((note) => note.why),
    ['+filter is ignored', '+deanimate-gifs is ignored'],
  );
});

test('filter files: header filters are read, others only by name; a bad job ends the start', (t) => {
  const notes = new Notes();
  const text = `FILTER: body Left alone
s/(((/x/U
CLIENT-HEADER-FILTER: one With a description
s@^X:.*@@i
s|(a)\\|b|c$1$0\\$|g
CLIENT-HEADER-TAGGER: tag Two
s/(x)/$1-$origin/D
SERVER-HEADER-FILTER: bad
s/(/x/
`;
  const filters = parseFilterFile('f', text, notes);
  t.deepEqual(
    filters.map((filter) => [filter.kind, filter.name, filter.jobs.length]),
    [
      ['client-header-filter', 'one', 2],
      ['client-header-tagger', 'tag', 1],
      ['server-header-filter', 'bad', 0],
    ],
  );
  const variables = { url: '', host: '', path: '', origin: '', 'listen-address': '' };
  const job = filters[0]?.jobs[1];
  t.is(job && substitute(job, 'xab', variables), 'xcaa$cb$');
  t.deepEqual(
    notes.errors.map((note) => note.line),
    [9],
  );
});

test('no text makes the reader throw', (t) => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '{{alias}}',
    '+block',
    '-filter',
    '{x}',
    '\\',
    '=',
    ' ',
    '\n',
    '/',
    '.i2p',
    '+redirect{s@',
    '@',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 5 }))), (pieces) => {
      read(pieces.join(''));
      parseFilterFile('f', pieces.join(''), new Notes());
    }),
    { numRuns: 1_000 },
  );
  t.pass();
});
