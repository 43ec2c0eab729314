"""An identity server on loopback that behaves like Microsoft Entra ID, for the sign-in of the storage connection.

Played: discovery, JWKS, the authorize page (pick an account, consent, approval of an administrator), PKCE, codes that
work once, rotated refresh tokens, v1-shaped storage tokens, and each refusal that the product tells apart.
Not played: passwords, sessions, multi-factor prompts, conditional access (only its refusals).
"""
