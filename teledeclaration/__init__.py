"""Teledeclaration: employers declare to a social-security fund, and pay it."""
