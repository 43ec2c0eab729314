"""A blob's content type by its file's name: one table of ours, the same for every system and Python version.

What is compressed is named by its compression, since the bytes are those: no Content-Encoding is set, which would make
browsers unpack a file that was stored packed.
"""

from __future__ import annotations

UNKNOWN = "application/octet-stream"

_TABLE = """
application/epub+zip epub
application/gzip gz tgz taz svgz
application/java-archive jar war ear
application/json json map
application/json5 json5
application/ld+json jsonld
application/geo+json geojson
application/x-ndjson ndjson jsonl
application/manifest+json webmanifest
application/msword doc dot wiz
application/octet-stream bin exe dll so o a obj iso img dmg msi br
application/oda oda
application/pdf pdf
application/pgp-encrypted pgp gpg
application/pkcs7-mime p7c p7m
application/pkcs7-signature p7s
application/postscript ai eps ps
application/rtf rtf
application/vnd.android.package-archive apk
application/vnd.apple.mpegurl m3u m3u8
application/vnd.google-earth.kml+xml kml
application/vnd.google-earth.kmz kmz
application/vnd.ms-access mdb accdb
application/vnd.ms-excel xls xlt xlb xla
application/vnd.ms-excel.sheet.binary.macroEnabled.12 xlsb
application/vnd.ms-excel.sheet.macroEnabled.12 xlsm
application/vnd.ms-fontobject eot
application/vnd.ms-outlook msg
application/vnd.ms-powerpoint ppt pps pot ppa pwz
application/vnd.ms-powerpoint.presentation.macroEnabled.12 pptm
application/vnd.ms-project mpp
application/vnd.ms-visio.drawing.main+xml vsdx
application/vnd.ms-word.document.macroEnabled.12 docm
application/vnd.oasis.opendocument.graphics odg
application/vnd.oasis.opendocument.presentation odp
application/vnd.oasis.opendocument.spreadsheet ods
application/vnd.oasis.opendocument.text odt
application/vnd.openxmlformats-officedocument.presentationml.presentation pptx
application/vnd.openxmlformats-officedocument.presentationml.slideshow ppsx
application/vnd.openxmlformats-officedocument.presentationml.template potx
application/vnd.openxmlformats-officedocument.spreadsheetml.sheet xlsx
application/vnd.openxmlformats-officedocument.spreadsheetml.template xltx
application/vnd.openxmlformats-officedocument.wordprocessingml.document docx
application/vnd.openxmlformats-officedocument.wordprocessingml.template dotx
application/vnd.rar rar
application/vnd.sqlite3 sqlite sqlite3
application/vnd.visio vsd
application/wasm wasm
application/x-7z-compressed 7z
application/x-bzip2 bz2 tbz2
application/x-compress z
application/x-cpio cpio
application/x-hdf hdf
application/x-hdf5 h5
application/x-iwork-keynote-sffkey key
application/x-iwork-numbers-sffnumbers numbers
application/x-iwork-pages-sffpages pages
application/x-latex latex
application/x-netcdf nc cdf
application/x-parquet parquet
application/x-pkcs12 p12 pfx
application/x-python-code pyc pyo
application/x-sh sh
application/x-shockwave-flash swf
application/x-tar tar
application/x-tex tex
application/x-x509-ca-cert cer crt der pem
application/x-xz xz txz
application/xhtml+xml xhtml
application/xml xml xsl xslt xsd wsdl rdf
application/yaml yaml yml
application/zip zip
application/zstd zst
audio/aac aac adts
audio/basic au snd
audio/flac flac
audio/midi mid midi
audio/mp4 m4a
audio/mpeg mp3 mp2
audio/ogg ogg oga
audio/opus opus
audio/wav wav
audio/x-aiff aif aiff aifc
audio/x-ms-wma wma
font/otf otf
font/ttf ttf
font/woff woff
font/woff2 woff2
image/avif avif
image/bmp bmp dib
image/gif gif
image/heic heic
image/heif heif
image/jp2 jp2
image/jpeg jpg jpeg jpe jfif
image/png png
image/svg+xml svg
image/tiff tif tiff
image/vnd.adobe.photoshop psd
image/vnd.dwg dwg
image/vnd.dxf dxf
image/vnd.microsoft.icon ico
image/webp webp
image/x-portable-bitmap pbm
image/x-portable-graymap pgm
image/x-portable-pixmap ppm
message/rfc822 eml mht mhtml
text/calendar ics
text/css css
text/csv csv
text/html html htm
text/javascript js mjs
text/markdown md markdown
text/plain txt text log ini cfg conf c h cpp hpp cs java go rs pl bat cmd ps1 sql srt ksh properties toml
text/tab-separated-values tsv
text/vcard vcf
text/vtt vtt
text/x-python py
text/x-rst rst
video/3gpp 3gp 3gpp
video/3gpp2 3g2
video/mp4 mp4 m4v
video/mpeg mpg mpeg mpe m1v mpa
video/quicktime mov qt
video/webm webm
video/x-matroska mkv
video/x-ms-wmv wmv
video/x-msvideo avi
"""
_TYPES = {
    extension: words[0] for line in _TABLE.strip().splitlines() for words in (line.split(),) for extension in words[1:]
}


def content_type(path: str) -> str:
    """Result: the media type of the name's last extension, in any case of letters; UNKNOWN without one."""
    stem, dot, extension = path[path.rfind("/") + 1 :].rpartition(".")
    return _TYPES.get(extension.lower(), UNKNOWN) if dot and stem else UNKNOWN
