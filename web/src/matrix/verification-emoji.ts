/** The emoji of the protocol by their numbers, 0 to 63. Spec: cs#sas-method-emoji */
const emoji = [..."🐶🐱🦁🐎🦄🐷🐘🐰🐼🐓🐧🐢🐟🐙🦋🌷🌳🌵🍄🌏🌙☁🔥🍌🍎🍓🌽🍕🎂❤😀🤖🎩👓🔧🎅👍☂⌛⏰🎁💡📕✏📎✂🔒🔑🔨☎🏁🚂🚲✈🚀🏆⚽🎸🎺🔔⚓🎧📁📌"];

/** The number of an emoji, with or without the sign that asks for its coloured form. */
export const emojiNumber = (e: string): number => emoji.indexOf(e.replace("\ufe0f", ""));
