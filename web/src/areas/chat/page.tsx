// The chat.
export function NewChat() {
  return null;
}

export function Chat() {
  return null;
}
