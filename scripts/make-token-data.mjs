// Run by scripts/make-token-data: rank tables and golden vectors out of the npm package tiktoken.
import crypto from 'node:crypto';
import fs from 'node:fs';
import { get_encoding } from 'tiktoken';

// SHA-256 of the tables written as lines of "base64 rank", as OpenAI publishes them.
const published = {
  cl100k_base: '223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7',
  o200k_base: '446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d',
};

// .ranks: the number of tokens (u32, little-endian), each token's length (u8), each token's bytes,
// all in the order of rank.
function writeRanks(name) {
  const source = JSON.parse(fs.readFileSync(`node_modules/tiktoken/encoders/${name}.json`));
  const tokens = [];
  for (const line of source.bpe_ranks.split('\n')) {
    const [, first, ...encoded] = line.split(' ');
    encoded.forEach((token, i) => (tokens[Number(first) + i] = Buffer.from(token, 'base64')));
  }
  const hash = crypto.createHash('sha256');
  tokens.forEach((token, rank) => hash.update(`${token.toString('base64')} ${rank}\n`));
  if (hash.digest('hex') !== published[name]) throw new Error(`${name}: not the published table`);
  const count = Buffer.alloc(4);
  count.writeUInt32LE(tokens.length);
  const lengths = Buffer.from(tokens.map((token) => token.length));
  fs.writeFileSync(`${name}.ranks`, Buffer.concat([count, lengths, ...tokens]));
}

// A generator of numbers that every machine repeats (mulberry32).
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const scripts = {
  latin: 'Größe, naïveté, São Tomé; ĳ ŉ ǆ ǅ Ǆ ﬁ ﬀ ſ',
  greek: 'Η γρήγορη αλεπού πηδάει πάνω από το σκυλί ΣΊΣΥΦΟΣ',
  cyrillic: 'Съешь же ещё этих мягких французских булок, да выпей чаю',
  arabic: 'صِف خَلقَ خَودِ كَمِثلِ الشَمسِ ١٢٣٤٥',
  hebrew: 'דג סקרן שט בים מאוכזב ולפתע מצא חברה',
  devanagari: 'ऋषियों को सताने वाले दुष्ट राक्षसों के राजा १२३४',
  thai: 'เป็นมนุษย์สุดประเสริฐเลิศคุณค่า',
  chinese: '天地玄黄,宇宙洪荒。日月盈昃,辰宿列张。',
  japanese: 'いろはにほへと ちりぬるを カタカナ ﾊﾝｶｸ 漢字々',
  korean: '키스의 고유조건은 입술끼리 만나야 하고 ㄱㄴㄷ',
  georgian: 'გთხოვთ ახლავე ᲒᲗᲮᲝᲕᲗ',
  cherokee: 'ᎠᏍᎦᏯ ꮝꭶꮿ',
  ethiopic: 'ሰማይ አይታረስ ንጉሥ አይከሰስ',
  emoji: '👩‍👩‍👧‍👦 👍🏽 🇩🇪🇫🇷 ❤️‍🔥 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ☃︎',
  math: '∑∫√∞ ≠≤≥ 𝒜𝔅ℂ x² ½ Ⅷ ⅷ ①⑳ 〇',
  combining: 'e\u0301 a\u0308o\u0308 Z\u0351\u036b\u0343 \u0301A \u0301ab',
};
const shapes = [
  "I'm you're he'll we'd they've it's Y'ALL'D'VE I'M DON'T 'S 's '\u017f it'\u017f x'\u017fy ''s 'sx",
  "O\u2019Neill\u2019s can\u2019t",
  'a\u00a0b \u00a0c\u2028d\u2029e\u3000f\u200bg\ufeffh\u0085i\u1680j\u180ek\u202fl\u205fm',
  '  lead', 'trail  ', ' \t mixed\t\t\ttabs \n\n  \r\n \r x\n', '\n', '\n\n\n\n', ' ', '   ',
  'x   \n   y', '1   2', '12345678 1,234,567.89 ٣٤٥٦ ²³ 1st 2nd', 'a1b22c333d4444',
  '/usr/bin/\n//// \\\\ ///\r\n/x', '--- *** ___\n\n===', '!!!\n!!!/', '?!\r\n\r\n/\n',
  'CamelCaseHTTPServerID XMLHttpRequest ABCdefGHI aBcDeF', 'ǅungla ǅUNGLA', 'ªAªAA ʰX Ａａ',
  'function f(a,b){return a+b;}\n\tif (x <= 10 && y != "z") {\n\t\tprintf("%d\\n", x);\n\t}\n',
  'x'.repeat(300), 'ab'.repeat(200), ' '.repeat(300), '\n'.repeat(130), '-'.repeat(300),
  'ACGT'.repeat(100), '0'.repeat(100), 'Donaudampfschifffahrtsgesellschaftskapitän',
  '<|endoftext|> <|fim_prefix|>', '\u0000\u0001\u007f\u0080', '\u{10ffff}\u{e000}\u{1fffe}\ufdd0',
];

function texts() {
  const all = [...Object.values(scripts), ...shapes];
  const next = random(20261124);
  const pick = (list) => list[Math.floor(next() * list.length)];
  const pool = [...Object.values(scripts).join(' ')].concat([..." \n\r\t'/.,-_sStTdDmMrReEvVlL019"]);
  for (let i = 0; i < 400; ++i) {
    let text = '';
    for (let n = Math.floor(next() * 60); n >= 0; --n) text += pick(pool);
    all.push(text);
  }
  for (let i = 0; i < 200; ++i) {
    let text = '';
    for (let n = Math.floor(next() * 20); n >= 0; --n) {
      const code = Math.floor(next() * (next() < 0.5 ? 0x3000 : 0x20000));
      text += code >= 0xd800 && code < 0xe000 ? 'S' : String.fromCodePoint(code);
    }
    all.push(text);
  }
  return all;
}

for (const name of Object.keys(published)) writeRanks(name);
const encodings = Object.keys(published).map((name) => [name, get_encoding(name)]);
const lines = texts().map((text) =>
  JSON.stringify({
    text,
    ...Object.fromEntries(encodings.map(([name, e]) => [name, [...e.encode_ordinary(text)]])),
  }),
);
fs.writeFileSync('golden_tokens.jsonl', lines.join('\n') + '\n');

// Unicode classes as ranges, of the characters above ASCII; what is in none of them is `other`.
const classes = [
  ['upper', /^[\p{Lu}\p{Lt}]$/u],
  ['lower', /^\p{Ll}$/u],
  ['caseless', /^[\p{Lm}\p{Lo}]$/u],
  ['mark', /^\p{M}$/u],
  ['number', /^\p{N}$/u],
  ['space', /^\p{White_Space}$/u],
];
const classOf = (code) => {
  if (code >= 0xd800 && code < 0xe000) return undefined;
  const character = String.fromCodePoint(code);
  return classes.find(([, pattern]) => pattern.test(character))?.[0];
};
const ranges = [];
for (let code = 0x80; code <= 0x10ffff; ++code) {
  const name = classOf(code);
  const last = ranges.at(-1);
  if (last && last.name === name && last.end === code) last.end = code + 1;
  else ranges.push({ begin: code, end: code + 1, name });
}
fs.writeFileSync(
  'unicode_ranges.inc',
  `// Generated by scripts/make-token-data from Unicode ${process.versions.unicode}.\n` +
    ranges
      .filter(({ name }) => name)
      .map(({ begin, end, name }) => `{0x${begin.toString(16)}, 0x${end.toString(16)}, ${name}},`)
      .reduce((lines, item) => {
        if (lines.length === 0 || lines.at(-1).length + item.length > 98) lines.push(item);
        else lines[lines.length - 1] += ' ' + item;
        return lines;
      }, [])
      .join('\n') +
    '\n',
);
