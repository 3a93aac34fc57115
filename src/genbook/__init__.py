"""The implementations behind the chapters of the book, one module a chapter."""
