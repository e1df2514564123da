// The mynah's head in profile, drawn for this project: a short crest, yellow beak, and the bare yellow skin behind the eye.
const PLUMAGE =
  "M6.200 30c.6-3.600.5-5.800-.2-8.600C5 17.500 5 14.500 6.200 11.600 8.200 6.900 12.600 4.300 17 4.600l2.600-2.800c.3 1.800.6 2.800 1.300 3.900 1.500 1.200 2.400 2.800 2.900 4.700l-2 6.200c-.2 4.600.3 8.800 2.200 13.400z";

/** `onDark` draws its outline in place of its plumage: a mynah is black. */
export function Mark({ size = 28, onDark = false }: { size?: number; onDark?: boolean }) {
  const plumage = onDark ? { fill: "none", stroke: "currentColor", strokeWidth: 1.3 } : { fill: "currentColor" };
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <path d={PLUMAGE} strokeLinejoin="round" {...plumage} />
      <path
        fill="var(--beak)"
        d="M23 9.500c3.400.2 6 1.500 8 3.900-3.200.1-6 1-8.600 3.300-1.400-1.600-2-2.900-2-4.300z"
      />
      <path
        fill="var(--beak)"
        d="M17.900 12.100c-1.700 2.900-5.600 4.300-9.500 2.900 3.100-.5 5.300-1.800 6.900-4.100z"
      />
      <circle cx="17.200" cy="10.100" r="1.900" fill="var(--beak)" />
      <circle cx="17.500" cy="10" r="0.900" fill={onDark ? "var(--rail-paper)" : "var(--paper)"} />
    </svg>
  );
}
