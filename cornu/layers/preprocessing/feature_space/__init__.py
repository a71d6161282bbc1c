"""FeatureSpace: encodes the columns of a table as vectors."""
