"""Sources of batches for arrays, tables, streams and data loaders of other libraries."""
