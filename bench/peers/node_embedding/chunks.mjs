// Run by a worker thread: the path of a PDF becomes its chunks, [{ text, tokens }].
import { readFile } from 'node:fs/promises';
import { countTokens, decode, encode } from 'gpt-tokenizer/encoding/cl100k_base';

// pdf.js says on the console what of a browser it misses; nothing of it concerns text.
console.log = console.warn = () => {};
const pdfjs = await import('pdfjs-dist/legacy/build/pdf.mjs');
const packageFolder = new URL('./node_modules/pdfjs-dist/', import.meta.url).pathname;
const chunkTokensMax = 512;
const asText = { disallowedSpecial: new Set() }; // "<|endoftext|>" in a paper is text

async function textOf(path) {
  const task = pdfjs.getDocument({
    data: new Uint8Array(await readFile(path)),
    cMapUrl: `${packageFolder}cmaps/`,
    cMapPacked: true,
    standardFontDataUrl: `${packageFolder}standard_fonts/`,
    disableFontFace: true,
    isEvalSupported: false,
    verbosity: pdfjs.VerbosityLevel.ERRORS,
  });
  try {
    const document = await task.promise;
    let text = '';
    for (let number = 1; number <= document.numPages; ++number) {
      const page = await document.getPage(number);
      const { items } = await page.getTextContent();
      for (const { str, hasEOL } of items) text += hasEOL ? `${str}\n` : str;
      text += '\n';
      page.cleanup();
    }
    return text.toWellFormed();
  } finally {
    await task.destroy();
  }
}

// Lines, and of lines that are too long for a chunk, parts.
function* pieces(text) {
  for (const line of text.split(/(?<=\n)/)) {
    const tokens = countTokens(line, asText);
    if (tokens <= chunkTokensMax) {
      yield { text: line, tokens };
      continue;
    }
    const ids = encode(line, asText);
    for (let first = 0; first < ids.length; first += chunkTokensMax) {
      const part = ids.slice(first, first + chunkTokensMax);
      yield { text: decode(part), tokens: part.length };
    }
  }
}

export default async function chunksOf(path) {
  const chunks = [];
  let chunk = { text: '', tokens: 0 };
  const end = () => {
    if (chunk.text.trim() !== '') chunks.push(chunk);
    chunk = { text: '', tokens: 0 };
  };
  for (const piece of pieces(await textOf(path))) {
    if (chunk.tokens + piece.tokens > chunkTokensMax) end();
    chunk.text += piece.text;
    chunk.tokens += piece.tokens;
  }
  end();
  return chunks;
}
