module.exports = {
  plugins: {
    // Its light-dark() misses custom properties of :root. The build's own follows color-scheme, which global.css sets.
    "postcss-preset-mantine": { features: { lightDarkFunction: false } },
    "postcss-simple-vars": {
      variables: {
        "mantine-breakpoint-xs": "36em",
        "mantine-breakpoint-sm": "48em",
        "mantine-breakpoint-md": "62em",
        "mantine-breakpoint-lg": "75em",
        "mantine-breakpoint-xl": "88em",
      },
    },
  },
};
