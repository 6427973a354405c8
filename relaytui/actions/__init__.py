"""One registry of everything an operator can do: feeds keys, footer, borders, help, palette and the key sheet."""
