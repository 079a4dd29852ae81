"""Vendors' report files as text. A leaf: knows the formats, nothing about worlds."""
