"""The compiled steps of training, and how they are run over batches."""
