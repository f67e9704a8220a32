/** The text of a `bulkhead.yaml` for each kind of storage that a tenant can be on. */
export const placements = {
  versioned: "defaultPlacement: versioned\n",
  "plain local": "defaultPlacement: local\n",
  "a tenant's own database": `
defaultPlacement: own
placements:
  own:
    backend: postgres
    options: { schema: files }
`,
} as const;
