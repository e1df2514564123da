export function Shared() {
  return null;
}
