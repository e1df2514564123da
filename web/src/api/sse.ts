// Server-sent events from a fetch response: each event's id and data.
export type ServerEvent = { id: string; data: string };

/** Events as they come, until the body ends. Comments, retries and other fields are left out. */
export async function* serverEvents(response: Response): AsyncGenerator<ServerEvent> {
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let id = "";
  let data: string[] = [];
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += value;
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "") {
          if (data.length) yield { id, data: data.join("\n") };
          data = [];
          continue;
        }
        const [, field, text] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
        if (field === "id") id = text ?? "";
        else if (field === "data") data.push(text ?? "");
      }
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}
