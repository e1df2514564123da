// The mynah's head in profile, drawn for this project: plumage in the text's colour, beak and wattle yellow.
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <path
        fill="currentColor"
        d="M6.500 28.500c0-3.600.3-6.400 1.200-9C6 17.600 5.200 15.300 5.700 12.800 6.700 8 11 4.800 15.700 5.300c3.700.4 6.300 2.500 7.400 5.700l-4.200 4.500c1.600 3.600 2 8.500 1.500 13z"
      />
      <path
        fill="var(--beak)"
        d="M22.600 10.200c2.500.3 4.500 1.200 6.400 2.900-2.800.5-5.400 1.500-8 3.200-.9-1-1.500-2-1.800-3.200z"
      />
      <path
        fill="var(--beak)"
        d="M10 12.500c1.300 2.600 3.600 4 6.900 3.700-.3 1.500-1.300 2.400-2.700 2.400-2.500 0-4.500-2.800-4.200-6.100z"
      />
      <circle cx="16.200" cy="11.300" r="1.500" fill="var(--beak)" />
    </svg>
  );
}
