"""Writing findings into an `.xlsx` by changing its package: every part that need not change is copied as it is.

    findings ──► places (which cell of which sheet) ──► sheets, notes, styles, findings sheet, workbook ──► zip

Nothing is loaded into a model of workbooks: values, computed results, styles, charts, pictures, macros and what
no library knows come back byte for byte. Sheets are streamed, some rows at a time.
"""
