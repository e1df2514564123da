"""The service: OpenAI's API over HTTP, answered by the trained assistant."""
