# Проверка сheck
TEXT = "USB порт сheck"
