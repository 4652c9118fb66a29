"""The nouns that cross a border: frozen Structs, for HTTP, jobs and events alike."""
