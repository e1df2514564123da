// The parts of a message: its words, the tools it used with what they gave, the sources that it had.
import { type ReactNode, useMemo } from "react";
import type { Citation, Said } from "../../api/conversations";
import { Citations, Citing } from "./citations";
import { Markdown } from "./markdown";
import { Step } from "./step";
import { type Node, textOf } from "./tree";

type PartsProps = {
  said: Pick<Said, "id" | "parts">;
  /** What its calls gave, in their order; fewer if some gave nothing. */
  results?: Node[] | undefined;
  /** Goes between versions of a result. */
  versions?: (result: Node) => ReactNode;
};

export function Parts({ said, results = [], versions }: PartsProps) {
  const { id, parts } = said;
  const citing = useMemo(() => ({ of: id, sources: parts.filter(isCitation) }), [id, parts]);
  let calls = 0;
  return (
    <Citing value={citing}>
      {parts.map((part, i) => {
        const key = `${i}-${part.type}`;
        if (part.type === "text") return <Markdown key={key} text={part.text} />;
        if (part.type === "tool_result") return <Step key={key} name={part.name} result={part.text} />;
        if (part.type === "citation") return null;
        const result = results[calls];
        calls += 1;
        return (
          <Step key={key} name={part.name} asked={part.arguments} result={result && textOf(result.said)}>
            {result && versions?.(result)}
          </Step>
        );
      })}
      {citing.sources.length > 0 && <Citations of={id} sources={citing.sources} />}
    </Citing>
  );
}

const isCitation = (part: Said["parts"][number]): part is Citation => part.type === "citation";
