import { readdirSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  bootSum,
  bytesLiteral,
  checkedExec,
  deflatedExec,
  helperPart,
} from '../../src/device/helper-source.js';
import { minifyPython, nameClash } from '../../src/device/minify-python.js';
import { literalOfBits } from '../../src/device/read-call.js';

const none = new Map<string, string>();
const parts = readdirSync(new URL('../../firmware-helpers/', import.meta.url))
  .filter((file) => file.endsWith('.py') && !file.startsWith('deflate'))
  .map((file) => file.slice(0, -3));

describe('the agent as it travels', () => {
  it('has no comments, spare blanks or long lines of indent', () => {
    const source =
      "# why\nimport os\ndef f(a, b=1):  # c\n    if a == '# no':\n        return b + 1\n    x = 1\n    y = 2\n";
    expect(minifyPython(source, none)).toBe(
      "import os\ndef f(a,b=1):\n if a=='# no':return b+1\n x=1;y=2",
    );
  });

  it('keeps blanks between words, brackets over lines and texts over lines', () => {
    expect(minifyPython('for x in (1,\n    2):\n    print(x if x else 0)\n', none)).toBe(
      'for x in(1,2):print(x if x else 0)',
    );
    expect(minifyPython('a = """x  y\nz"""\n', none)).toBe('a="""x  y\nz"""');
  });

  it('exchanges words for short names, but no attributes and no texts', () => {
    expect(minifyPython("value = other.value + 'value'\n", new Map([['value', 'v']]))).toBe(
      "v=other.value+'value'",
    );
    expect(nameClash('for v in value: pass', new Map([['value', 'v']]))).toBe('v');
    expect(nameClash("x = value + b'v'", new Map([['value', 'v']]))).toBeNull();
  });

  it.each(parts)('can be built from %s.py', (part) => {
    const text = helperPart(part);
    expect(text).not.toContain("'''");
    expect(() => checkedExec(`${text}\nx`)).not.toThrow();
    if (part.startsWith('tiny-')) expect(text.length).toBeLessThan(900);
  });

  it('sums every byte of what is sent', () => {
    const bytes = new TextEncoder().encode('print(1)');
    const sums = new Set([
      bootSum(bytes),
      bootSum(bytes.subarray(1)),
      bootSum(Uint8Array.from(bytes, (byte, at) => (at === 3 ? byte ^ 1 : byte))),
    ]);
    expect(sums.size).toBe(3);
  });

  it('goes deflated as bytes that no prompt acts upon, and a literal gives back', () => {
    for (const part of parts.filter((each) => !each.startsWith('tiny-'))) {
      const exec = Buffer.from(deflatedExec(helperPart(part))).toString('latin1');
      const [, literal, sum] = /^_belay\(b'''([\s\S]*)''',(\d+),11\)$/.exec(exec) as unknown as [
        string,
        string,
        string,
      ];
      expect(literal).not.toMatch(/[\x00-\x04\r']{1}(?<!\\')/);
      const bytes = literal.replace(/\\(\\|'|r|00[0-4]|[0-4])/g, (_, code: string) =>
        code === 'r' ? '\r' : /^\d/.test(code) ? String.fromCharCode(Number(code)) : code,
      );
      expect(bootSum(Buffer.from(bytes, 'latin1'))).toBe(Number(sum));
      expect(inflateRawSync(Buffer.from(bytes, 'latin1')).toString()).toBe(helperPart(part));
    }
  });

  it('quotes any bytes', () => {
    const literal = bytesLiteral(Uint8Array.from({ length: 256 }, (_, at) => at));
    expect(literal).toMatch(/^b"[ !#-&(-[\]-~\\]*"$/);
    expect(literal).toContain('\\x00\\x01');
  });

  it('asks for all files in a few bytes, and for some by their bits', () => {
    expect(literalOfBits(new Uint8Array(100).fill(255))).toBe('b"\\xff"*100');
    expect(literalOfBits(Uint8Array.of(1, 2))).toBe('b"\\x01\\x02"');
    expect(literalOfBits(Uint8Array.from([7, ...new Array(20).fill(0), 65]))).toBe(
      'b"\\x07"+b"\\x00"*20+b"A"',
    );
  });
});
