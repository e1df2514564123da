// A conversation is a tree: editing a question or asking again adds a branch. Here the branch that is shown is found.
import type { Said } from "../../api/conversations";

/** parent → the child that the person chose to see; the newest where they chose none. */
export type Choices = Readonly<Record<string, string>>;

export type Node = {
  said: Said;
  siblings: string[];
  /** Of an answer that calls tools: what they gave. */
  results?: Node[];
};

const ROOT = "root";

export class Tree {
  readonly byId = new Map<string, Said>();
  private readonly children = new Map<string, Said[]>();

  constructor(messages: readonly Said[]) {
    for (const said of messages) this.byId.set(said.id, said);
    for (const said of messages) {
      const key = said.parent ?? ROOT;
      const siblings = this.children.get(key);
      if (siblings) siblings.push(said);
      else this.children.set(key, [said]);
    }
  }

  childrenOf(id: string | null): Said[] {
    return this.children.get(id ?? ROOT) ?? [];
  }

  /** From the first message to the last of the chosen branch. */
  path(choices: Choices): Node[] {
    const nodes: Node[] = [];
    let at: string | null = null;
    for (;;) {
      const children = this.childrenOf(at);
      const said: Said | undefined = children.find((child) => child.id === choices[at ?? ROOT]) ?? children.at(-1);
      if (!said) return nodes;
      nodes.push({ said, siblings: children.map((child) => child.id) });
      at = said.id;
    }
  }

  /** The choices with which a message is on the path. */
  choicesTo(id: string): Choices {
    const choices: Record<string, string> = {};
    for (let said = this.byId.get(id); said; said = said.parent ? this.byId.get(said.parent) : undefined)
      choices[said.parent ?? ROOT] = said.id;
    return choices;
  }
}

/** The choice of a child. */
export const choose = (parent: string | null, child: string): Choices => ({ [parent ?? ROOT]: child });

/** Results of tools go to the calls that they answer, in their order; one that answers none stays by itself. */
export function folded(nodes: Node[]): Node[] {
  const made: Node[] = [];
  let waiting: Node[] = [];
  let calls = 0;
  for (const node of nodes) {
    if (node.said.role === "tool" && waiting.length < calls) {
      waiting.push(node);
      continue;
    }
    calls = node.said.parts.filter((part) => part.type === "tool_call").length;
    waiting = [];
    made.push(calls ? { ...node, results: waiting } : node);
  }
  return made;
}

/** The words of a message; of a tool, its result. */
export const textOf = (said: Said): string =>
  said.parts.map((part) => (part.type === "text" || part.type === "tool_result" ? part.text : "")).join("");
