"""Data sources: files fetched by checksum, the user's own tables, embeddings written out."""
