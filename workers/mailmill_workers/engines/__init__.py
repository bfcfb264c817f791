"""Virus and spam engines: small clients that answer with a finding and never raise as a verdict."""
