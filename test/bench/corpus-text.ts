/**
 * Text for the benchmark: Python with a module's shape (header, imports, constants, classes,
 * methods), its own vocabulary a file, comments in words, and numbers that do not repeat.
 */
import type { Random } from './corpus-random.js';

const WORDS = (
  'value index buffer count state time data self pin name size offset length delay config result ' +
  'address register timeout mode level error command channel read write update sensor motor speed ' +
  'angle temperature humidity pressure voltage current battery display screen pixel color width ' +
  'height font line text message packet header payload socket client server request response token ' +
  'topic queue task event handler callback timer period counter limit threshold scale factor gain ' +
  'filter sample average minimum maximum delta step target position origin bounds frame block page ' +
  'sector flash memory cache entry record field table column row key item list index node parent ' +
  'child path file folder stream chunk byte word mask flag bit shift clock edge rising falling ' +
  'pulse duty frequency phase wave signal noise input output driver bus device slave master select ' +
  'enable disable reset start stop begin end open close send receive poll wait sleep wake retry ' +
  'connect network station access point password hostname port interface protocol version build ' +
  'calibrate measure convert format parse encode decode verify check sum digest hash random seed ' +
  'brightness contrast rotation cursor button encoder relay servo stepper valve pump heater fan'
).split(' ');
const SMALL_WORDS = (
  'the a to of is and in it for when not on be with are this from that as by or if until only one ' +
  'two after before each every so has no than then all some must may can will'
).split(' ');
const MODULES =
  'time machine os sys struct json gc micropython network socket asyncio math random binascii'.split(
    ' ',
  );

export interface Vocabulary {
  readonly names: readonly string[];
  readonly attributes: readonly string[];
  readonly functions: readonly string[];
}

/** Exactly `sizeBytes` of ASCII text: modules one after another, the last one cut off. */
export function pythonText(random: Random, sizeBytes: number, project: Vocabulary): string {
  let text = '';
  while (text.length < sizeBytes) {
    text += moduleText(random, 2_500 + random.below(6_000), project);
  }
  return sizeBytes === 0 ? '' : `${text.slice(0, sizeBytes - 1)}\n`;
}

function moduleText(random: Random, about: number, project: Vocabulary): string {
  const vocabulary = moduleVocabulary(random, project);
  let text = `# ${sentence(random)}\n`;
  for (let count = 1 + random.below(4); count > 0; count -= 1) {
    text +=
      random.unit() < 0.6
        ? `import ${random.favour(MODULES)}\n`
        : `from ${random.favour(MODULES)} import ${random.pick(vocabulary.functions)}\n`;
  }
  text += '\n';
  for (let count = random.below(9); count > 0; count -= 1) {
    text += `${random.pick(vocabulary.names).toUpperCase()} = const(${numeral(random)})\n`;
  }
  while (text.length < about)
    text +=
      random.unit() < 0.45
        ? classText(random, vocabulary)
        : functionText(random, vocabulary, '', '');
  return text;
}

/** The names that the files of one project have in common. */
export function projectVocabulary(random: Random): Vocabulary {
  return {
    names: freshNames(random, 80, 0.5),
    attributes: freshNames(random, 80, 0.6).map((name) =>
      random.unit() < 0.5 ? `_${name}` : name,
    ),
    functions: freshNames(random, 80, 0.8),
  };
}

/** A module speaks of its project's things and of some of its own. */
function moduleVocabulary(random: Random, project: Vocabulary): Vocabulary {
  const mixed = (shared: readonly string[], compounds: number) =>
    Array.from({ length: 48 }, () =>
      random.unit() < 0.45
        ? random.favour(shared)
        : (freshNames(random, 1, compounds)[0] as string),
    );
  return {
    names: [...mixed(project.names, 0.5), 'i', 'n', 'x', 'buf'],
    attributes: mixed(project.attributes, 0.6),
    functions: mixed(project.functions, 0.8),
  };
}

function freshNames(random: Random, count: number, compounds: number): string[] {
  return Array.from({ length: count }, () =>
    random.unit() < compounds ? `${random.pick(WORDS)}_${random.pick(WORDS)}` : random.pick(WORDS),
  );
}

function classText(random: Random, vocabulary: Vocabulary): string {
  const name = `${capital(random.pick(WORDS))}${capital(random.pick(WORDS))}`;
  let text = `\n\nclass ${name}:\n`;
  if (random.unit() < 0.5) text += `    """${sentence(random)}"""\n\n`;
  const parameters = [random.pick(vocabulary.names), random.pick(vocabulary.names)];
  text += `    def __init__(self, ${parameters.join(', ')}=${numeral(random)}):\n`;
  for (let count = 2 + random.below(5); count > 0; count -= 1) {
    const given = random.unit() < 0.5 ? random.pick(parameters) : expression(random, vocabulary, 1);
    text += `        self.${random.favour(vocabulary.attributes)} = ${given}\n`;
  }
  for (let count = 1 + random.below(5); count > 0; count -= 1) {
    text += functionText(random, vocabulary, '    ', 'self');
  }
  return text;
}

function functionText(
  random: Random,
  vocabulary: Vocabulary,
  indent: string,
  first: string,
): string {
  const parameters = first === '' ? [] : [first];
  for (let count = random.below(3); count > 0; count -= 1)
    parameters.push(random.pick(vocabulary.names));
  let text = `${indent === '' ? '\n' : ''}\n${indent}def ${random.favour(vocabulary.functions)}(${parameters.join(', ')}):\n`;
  if (random.unit() < 0.2) text += `${indent}    """${sentence(random)}"""\n`;
  for (let count = 2 + random.below(6); count > 0; count -= 1) {
    text += statement(random, vocabulary, `${indent}    `, 0);
  }
  if (random.unit() < 0.6) text += `${indent}    return ${expression(random, vocabulary, 1)}\n`;
  return text;
}

function statement(random: Random, vocabulary: Vocabulary, indent: string, depth: number): string {
  const roll = random.unit();
  if (roll < 0.18)
    return `${indent}# ${sentence(random)}\n${statement(random, vocabulary, indent, depth)}`;
  if (roll < 0.42 && depth < 2) {
    const value = expression(random, vocabulary, 1);
    const head = random.pick([
      `if ${value}:`,
      `if not ${value}:`,
      `if ${value} ${random.pick(['<', '>', '==', '!=', '>='])} ${numeral(random)}:`,
      `while ${value}:`,
      `for ${random.pick(vocabulary.names)} in range(${value}):`,
    ]);
    let text = `${indent}${head}\n`;
    for (let count = 1 + random.below(3); count > 0; count -= 1) {
      text += statement(random, vocabulary, `${indent}    `, depth + 1);
    }
    return text;
  }
  if (roll < 0.62)
    return `${indent}self.${random.favour(vocabulary.attributes)} = ${expression(random, vocabulary, 0)}\n`;
  if (roll < 0.82)
    return `${indent}${random.favour(vocabulary.names)} = ${expression(random, vocabulary, 0)}\n`;
  if (roll < 0.88)
    return `${indent}print('${random.pick(WORDS)} ${random.pick(WORDS)}', ${random.favour(vocabulary.names)})\n`;
  return `${indent}${call(random, vocabulary, 0)}\n`;
}

function expression(random: Random, vocabulary: Vocabulary, depth: number): string {
  const roll = random.unit();
  if (roll < 0.3) return random.favour(vocabulary.names);
  if (roll < 0.52) return `self.${random.favour(vocabulary.attributes)}`;
  if (roll < 0.66) return numeral(random);
  if (roll < 0.72)
    return `${random.favour(vocabulary.names)}[${random.unit() < 0.5 ? 'i' : random.below(9)}]`;
  if (depth > 1) return random.pick(['None', 'True', 'False', 'b""', '[]']);
  if (roll < 0.84) return call(random, vocabulary, depth + 1);
  const operator = random.pick(['+', '-', '*', '//', '&', '|', '<<', '>>', '%']);
  return `${expression(random, vocabulary, depth + 1)} ${operator} ${expression(random, vocabulary, depth + 1)}`;
}

function call(random: Random, vocabulary: Vocabulary, depth: number): string {
  const target = random.pick([
    `self.${random.favour(vocabulary.functions)}`,
    `self.${random.favour(vocabulary.functions)}`,
    `self.${random.favour(vocabulary.attributes)}.${random.favour(vocabulary.functions)}`,
    random.favour(vocabulary.functions),
    'len',
    'time.sleep_ms',
  ]);
  const values = Array.from({ length: random.below(3) }, () =>
    expression(random, vocabulary, depth + 1),
  );
  return `${target}(${values.join(', ')})`;
}

function numeral(random: Random): string {
  const roll = random.unit();
  if (roll < 0.45) return String(random.below(10));
  if (roll < 0.7) return `0x${random.below(256).toString(16).padStart(2, '0')}`;
  return roll < 0.9 ? String(random.below(1_000)) : random.pick(['1', '255', '0.5', '1000', '8']);
}

function sentence(random: Random): string {
  const words = Array.from({ length: 4 + random.below(8) }, () =>
    random.unit() < 0.45 ? random.favour(SMALL_WORDS) : random.pick(WORDS),
  );
  return `${capital(words.join(' '))}.`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** Lines of a board's log: time, place, reading. */
export function logLines(random: Random, count: number, first: number): string {
  let text = '';
  for (let index = 0; index < count; index += 1) {
    const seconds = (first + index) * 30 + random.below(9);
    text += `${String(seconds).padStart(8, '0')} ${random.favour(['INFO', 'INFO', 'WARN', 'DEBUG'])} ${random.favour(WORDS)} t=${random.below(400) / 10} h=${random.below(1000) / 10} v=${random.below(5_000)}\n`;
  }
  return text;
}

/** Like a compiled module: header, names with their lengths, bytecode from a few frequent codes. */
export function compiledModule(random: Random, sizeBytes: number): Uint8Array {
  const bytes: number[] = [0x4d, 6, 0, 31, 24, 0];
  const frequent = [
    0x12, 0xb0, 0xb1, 0xb2, 0x14, 0x36, 0x59, 0x63, 0x80, 0x81, 0x44, 0x16, 0xf2, 0x23, 0x34, 0x00,
  ];
  while (bytes.length < sizeBytes) {
    if (bytes.length < sizeBytes / 3) {
      const name = `${random.pick(WORDS)}_${random.pick(WORDS)}`;
      bytes.push(name.length << 1, ...new TextEncoder().encode(name), 0);
    } else if (random.unit() < 0.6) bytes.push(random.favour(frequent));
    else bytes.push(random.below(random.unit() < 0.5 ? 32 : 256));
  }
  return Uint8Array.from(bytes.slice(0, sizeBytes));
}
