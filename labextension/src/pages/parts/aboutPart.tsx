/** A part of what a run remembers: awaited, there, not kept, or why it cannot be shown. */
import * as React from 'react';
import { ProblemView, Skeleton } from '../../panel/bits';
import { useModel } from '../../panel/hooks';
import type { Resource } from '../../store/resource';
import type { RunAbout } from '../../types';

const SKELETON_ROW_PX = 24;

export function AboutPart(props: {
  about: Resource<RunAbout>;
  isEmpty: (about: RunAbout) => boolean;
  empty: string;
  children: (about: RunAbout) => React.ReactElement;
}): JSX.Element {
  const { about } = props;
  useModel(about);
  const { value, problem } = about;
  if (value === null) {
    return problem === null ? (
      <Skeleton rows={5} rowHeight={SKELETON_ROW_PX} />
    ) : (
      <ProblemView problem={problem} />
    );
  }
  return (
    <>
      {value.problems.map(one => (
        <ProblemView key={one.message} problem={one} />
      ))}
      {props.isEmpty(value) ? (
        <p className="mltrack-Empty-line">{props.empty}</p>
      ) : (
        props.children(value)
      )}
    </>
  );
}
