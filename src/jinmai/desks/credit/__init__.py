"""企业征信 (credit): what a firm's invoices say of it, shown only to whom the firm lets see it — the credit sheet
(企业信用画像), the reference band with its reasons (内部参考分档), consents and the access book.
"""
