"""llama.cpp's files: a checkpoint as one GGUF file, and a checkpoint out of one."""
