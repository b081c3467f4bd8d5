// The text of PDFs by pdf.js: node pdfjs_text.mjs PACKAGE_FOLDER
// Each line of standard input names a PDF and the file for its text, with a tab between; it is
// answered by a line with the outcome, once the text is written.
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const folder = resolve(process.argv[2]);
// pdf.js says on the console what of a browser it misses; nothing of it concerns text.
console.log = console.warn = () => {};
const pdfjs = await import(pathToFileURL(`${folder}/legacy/build/pdf.mjs`));

const pageText = ({ items }) =>
  items.map(({ str, hasEOL }) => (hasEOL ? `${str}\n` : str)).join('');

async function extract(input, output) {
  const task = pdfjs.getDocument({
    data: new Uint8Array(await readFile(input)),
    cMapUrl: `${folder}/cmaps/`,
    cMapPacked: true,
    standardFontDataUrl: `${folder}/standard_fonts/`,
    disableFontFace: true,
    isEvalSupported: false,
    verbosity: pdfjs.VerbosityLevel.ERRORS,
  });
  try {
    const document = await task.promise;
    const pages = [];
    for (let number = 1; number <= document.numPages; ++number) {
      try {
        const page = await document.getPage(number);
        pages.push(pageText(await page.getTextContent()));
        page.cleanup();
      } catch {
        pages.push(''); // a page that cannot be read costs that page only
      }
    }
    await writeFile(output, pages.join('\n\f'));
    return 'done';
  } catch (error) {
    return error.name === 'PasswordException' ? 'encrypted' : 'corrupt';
  } finally {
    await task.destroy();
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [input, output] = line.split('\t');
  process.stdout.write(`${await extract(input, output)}\n`);
}
