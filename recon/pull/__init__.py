"""Brings a window of a lake on S3 into a folder of this machine."""
