"""The TensorBoard callback and the file formats that TensorBoard reads."""
