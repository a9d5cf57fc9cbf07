-- Run once by the image of MySQL, on an empty volume. Every service makes its own schema tiktok_<service>, and nothing else.
GRANT ALL PRIVILEGES ON `tiktok\_%`.* TO 'tiktok'@'%';
