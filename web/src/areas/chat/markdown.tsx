// What a model wrote, as Markdown. It is untrusted: no HTML of its own, no picture is fetched, links say where they lead.
import type { Element, ElementContent, Root } from "hast";
import { type ComponentProps, memo, type ReactElement, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import Parser, { type Components, type Options } from "react-markdown";
import rehypeSanitize, { defaultSchema } from "rehype-sanitize";
import remarkGfm from "remark-gfm";
import remarkMath from "remark-math";
import { Mark } from "./citations";
import { Code } from "./code";
import { Formula } from "./formula";
import styles from "./markdown.module.css";
import { blocksOf, withMath } from "./markdown_text";

function Link({ href, children }: { href?: string | undefined; children?: ReactNode }) {
  const web = href && /^(https?|mailto):/i.test(href);
  if (!web && !href?.startsWith("#")) return <>{children}</>;
  return (
    <a href={href} title={href} {...(web && { target: "_blank", rel: "noopener noreferrer nofollow" })}>
      {children}
    </a>
  );
}

/** Fetching a picture tells its server who reads, and what an address can hold: so there is a link in its place. */
function Picture({ src, alt }: { src?: string | undefined; alt?: string | undefined }) {
  const { t } = useTranslation("chat");
  return (
    <span className={styles.picture}>
      {t("picture", { alt: alt || "…" })} {typeof src === "string" && src && <Link href={src}>{src}</Link>}
    </span>
  );
}

type CodeProps = ComponentProps<"code">;

function InlineCode({ className, children }: CodeProps) {
  if (className?.includes("math-inline")) return <Formula tex={String(children)} />;
  return <code className={styles.inline}>{children}</code>;
}

function Pre({ children }: { children?: ReactNode }) {
  const { className = "", children: text } = (children as ReactElement<CodeProps>)?.props ?? {};
  const source = String(text ?? "").replace(/\n$/, "");
  if (className.includes("math-display")) return <Formula tex={source} display />;
  return <Code source={source} language={/language-([\w+#-]+)/.exec(className)?.[1] ?? ""} />;
}

const components: Components = {
  a: ({ href, children }) => <Link href={href}>{children}</Link>,
  img: ({ src, alt }) => <Picture src={typeof src === "string" ? src : undefined} alt={alt} />,
  code: InlineCode,
  pre: ({ children }) => <Pre>{children}</Pre>,
  cite: ({ children }) => <Mark text={String(children)} />,
  // An answer stands below the heading of its turn.
  h1: ({ children }) => <h3 className={styles.h1}>{children}</h3>,
  h2: ({ children }) => <h4 className={styles.h2}>{children}</h4>,
  h3: ({ children }) => <h5 className={styles.h3}>{children}</h5>,
  h4: ({ children }) => <h6 className={styles.h3}>{children}</h6>,
  h5: ({ children }) => <h6 className={styles.h3}>{children}</h6>,
  table: ({ children }) => (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by the keyboard
    <div className={styles.table} tabIndex={0}>
      <table>{children}</table>
    </div>
  ),
};

const schema = {
  ...defaultSchema,
  tagNames: defaultSchema.tagNames?.filter((name) => name !== "picture" && name !== "source"),
  attributes: {
    ...defaultSchema.attributes,
    code: [["className", /^language-[\w+#-]+$/, "math-inline", "math-display"]],
  } as typeof defaultSchema.attributes,
};

/** `[1]` in the words, not in code or links, becomes a mark; it knows whether there is such a source. */
function markCitations() {
  return (tree: Root) => marked(tree as unknown as Element);
}

function marked(parent: Element) {
  parent.children = parent.children.flatMap<ElementContent>((child) => {
    if (child.type === "text" && /\[\d/.test(child.value))
      return child.value.split(/(\[\d{1,3}\])/).map((value, i) => {
        const text = { type: "text" as const, value };
        return i % 2 ? { type: "element", tagName: "cite", properties: {}, children: [text] } : text;
      });
    if (child.type === "element" && !["code", "pre", "a"].includes(child.tagName)) marked(child);
    return [child];
  });
}

const options: Options = {
  remarkPlugins: [remarkGfm, [remarkMath, { singleDollarTextMath: false }]],
  rehypePlugins: [[rehypeSanitize, schema], markCitations],
  components,
};

// Parsed answers, the ones used last: going back to a conversation does not parse it again.
const parsed = new Map<string, ReactElement>();
const KEPT = 400;

function parse(text: string): ReactElement {
  const known = parsed.get(text);
  if (known) parsed.delete(text);
  const made = known ?? Parser({ ...options, children: withMath(text) });
  parsed.set(text, made);
  if (parsed.size > KEPT) parsed.delete(parsed.keys().next().value ?? "");
  return made;
}

export const Markdown = memo(({ text }: { text: string }) => (
  <div className={styles.prose} data-text>
    {parse(text)}
  </div>
));

const Block = memo(({ text }: { text: string }) => Parser({ ...options, children: withMath(text) }));

/** A text that grows: only its last block is parsed again. */
export function GrowingMarkdown({ text }: { text: string }) {
  return (
    <div className={`${styles.prose} ${styles.growing}`}>
      {blocksOf(text).map((block, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: blocks are only added at the end
        <Block key={i} text={block} />
      ))}
    </div>
  );
}
