/** The live screen as components: what stays goes into <Static>, the rest is a few plain lines. */
import { Box, Static, Text } from 'ink';
import { displayPath } from '../core/device-path.js';
import type { LogLine, ProgressState } from './progress-state.js';
import { warningText } from './progress-text.js';
import type { LayoutOptions, ScreenLine, Tone } from './screen-layout.js';
import { screenLines } from './screen-layout.js';

const COLOURS: Readonly<Record<Tone, string | undefined>> = {
  plain: undefined,
  strong: 'cyan',
  bar: 'green',
  dim: 'gray',
  warning: 'yellow',
  good: 'green',
  bad: 'red',
};

export interface JobScreenProps extends LayoutOptions {
  readonly state: ProgressState;
  readonly colour: boolean;
}

export function JobScreen({ state, colour, size, tick, unicode }: JobScreenProps) {
  return (
    <>
      <Static items={[...state.log]}>
        {(line, index) => <LogRow key={index} line={line} colour={colour} unicode={unicode} />}
      </Static>
      <LiveLines lines={screenLines(state, { size, tick, unicode })} colour={colour} />
    </>
  );
}

function LiveLines({ lines, colour }: { lines: readonly ScreenLine[]; colour: boolean }) {
  return (
    <Box flexDirection="column">
      {lines.map((line) => (
        <Toned key={line.key} tone={line.tone} colour={colour} cut>
          {line.text === '' ? ' ' : line.text}
        </Toned>
      ))}
    </Box>
  );
}

const MARKS = { note: '·', warning: '!', outcome: '✓', failure: '✗', more: '!' } as const;
const MARKS_ASCII = { note: '-', warning: '!', outcome: '+', failure: 'x', more: '!' } as const;
const LOG_TONES: Readonly<Record<LogLine['kind'], Tone>> = {
  note: 'dim',
  warning: 'warning',
  outcome: 'good',
  failure: 'bad',
  more: 'warning',
};

function LogRow(props: { line: LogLine; colour: boolean; unicode: boolean }) {
  const { line } = props;
  const mark = (props.unicode ? MARKS : MARKS_ASCII)[line.kind];
  const board = line.board === null ? '' : `${displayPath(line.board)}: `;
  return (
    <Toned tone={LOG_TONES[line.kind]} colour={props.colour}>
      {`${mark} ${board}${warningText(line)}`}
    </Toned>
  );
}

function Toned(props: { tone: Tone; colour: boolean; cut?: boolean; children: string }) {
  const colour = props.colour ? COLOURS[props.tone] : undefined;
  return (
    <Text
      wrap={props.cut ? 'truncate-end' : 'wrap'}
      {...(colour === undefined ? {} : { color: colour })}
    >
      {props.children}
    </Text>
  );
}
